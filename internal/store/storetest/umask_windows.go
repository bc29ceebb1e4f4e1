package storetest

func openUmask() {}
