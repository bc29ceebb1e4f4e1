package foreign

import (
	"errors"
	"fmt"
	"strings"
)

// parseINI reads what Python's ConfigParser reads: sections, "key = value" and
// "key: value", keys in any case, lines that begin with # or ;, and values that
// go on in lines indented deeper than their key. A % is a %.
func (r *reader) parseINI(text string) ([]value, error) {
	var all []value
	sections, seen := map[string]int{}, map[string]int{}
	section, open, depth := "", false, 0
	for n, raw := range strings.Split(text, "\n") {
		line, said := n+1, strings.TrimSpace(raw)
		if said == "" || said[0] == '#' || said[0] == ';' {
			continue
		}
		indent := len(raw) - len(strings.TrimLeft(raw, " \t"))
		if open && indent > depth {
			last := &all[len(all)-1]
			last.texts = append(last.texts, said)
			continue
		}
		if end := strings.IndexByte(said, ']'); said[0] == '[' && end > 1 {
			section, open = said[1:end], false
			if first := sections[section]; first > 0 {
				return nil, r.refuse(line, "["+section+"]", fmt.Errorf("the section stands on line %d already", first))
			}
			sections[section] = line
			continue
		}
		at := strings.IndexAny(said, "=:")
		switch {
		case at <= 0:
			return nil, r.refuse(line, "", errors.New("the line is no \"key = value\""))
		case section == "":
			return nil, r.refuse(line, "", errors.New("the line stands before the first [section]"))
		}
		v := value{section: section, key: strings.ToLower(strings.TrimSpace(said[:at])), line: line}
		if first := seen[v.name()]; first > 0 {
			return nil, r.refuse(line, v.name(), fmt.Errorf("the key stands on line %d already", first))
		}
		seen[v.name()] = line
		if content := strings.TrimSpace(said[at+1:]); content != "" {
			v.texts = []string{content}
			if strings.Contains(content, " ;") || strings.Contains(content, " #") {
				r.note("line %d: what looks like a comment behind %s is part of its value, as in Python 3", line, v.name())
			}
		}
		all, open, depth = append(all, v), true, indent
	}
	return withDefaults(all), nil
}

// withDefaults moves the section [DEFAULT] to where ConfigParser finds it: in
// every other section that does not say otherwise.
func withDefaults(all []value) []value {
	said := map[string]bool{}
	for _, v := range all {
		said[v.key] = said[v.key] || v.section == "client"
	}
	for n, v := range all {
		if v.section == "DEFAULT" && !said[v.key] {
			all[n].section = "client"
		}
	}
	return all
}
