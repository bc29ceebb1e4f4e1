package ops

type protection struct{ name string }

func protections() []protection { return nil }

func (p *place) protections(m *matrix) {}
