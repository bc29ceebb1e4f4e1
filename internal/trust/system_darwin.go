package trust

func systemTool() string { return "security" }

func systemSteps(o Options, install bool) []string {
	if install {
		return []string{"sudo security add-trusted-cert -d -k /Library/Keychains/System.keychain " + o.Path,
			"sudo security trust-settings-import: for servers alone"}
	}
	return []string{"sudo security remove-trusted-cert -d " + o.Path}
}

func systemByHand(o Options) string {
	return "open " + o.Path + " with Keychain Access, and trust it for SSL"
}
