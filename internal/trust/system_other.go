//go:build !linux && !darwin && !windows

package trust

func systemTool() string { return "" }

func systemSteps(Options, bool) []string { return nil }

func systemByHand(o Options) string { return "add " + o.Path + " to the system's authorities" }
