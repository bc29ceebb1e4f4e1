package trust

func systemTool() string { return "certutil" }

func systemSteps(o Options, install bool) []string {
	if install {
		return []string{"add " + o.Path + " to the store ROOT of the current user; Windows asks you first"}
	}
	return []string{"delete " + o.Certificate.Subject.CommonName + " from the store ROOT of the current user; Windows asks you first"}
}

func systemByHand(o Options) string { return "certutil -user -addstore Root " + o.Path }
