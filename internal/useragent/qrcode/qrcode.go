// Package qrcode draws a QR code on a terminal, for the phone that opens the
// page. It draws and knows nothing else.
package qrcode

import (
	"strings"

	"rsc.io/qr/coding"
)

// How a QR code is drawn.
const (
	ASCII  = iota // "##" for each light square, for a dark background
	Blocks        // half blocks, two squares high, the same way round
	Colour        // half blocks with their own black and white
)

// quiet is the white border that ISO/IEC 18004 wants, in squares.
const quiet = 4

// Draw draws text as a QR code no wider than columns (0: however wide); empty
// where it does not fit.
func Draw(text string, style, columns int) string {
	code := encode(text)
	if code == nil {
		return ""
	}
	wide, end := code.Size+2*quiet, code.Size+quiet
	if style == ASCII && columns > 0 && 2*wide > columns || columns > 0 && wide > columns {
		return ""
	}
	var b strings.Builder
	for y := -quiet; y < end; y++ {
		if style == ASCII {
			for x := -quiet; x < end; x++ {
				b.WriteString(map[bool]string{true: "  ", false: "##"}[code.Black(x, y)])
			}
			b.WriteString("\n")
			continue
		}
		if style == Colour {
			b.WriteString("\x1b[97;40m")
		}
		for x := -quiet; x < end; x++ {
			b.WriteString(half(!code.Black(x, y), y+1 < end && !code.Black(x, y+1)))
		}
		if style == Colour {
			b.WriteString("\x1b[0m")
		}
		b.WriteString("\n")
		y++
	}
	return b.String()
}

// encode makes the smallest code that holds text; nil where none does. The
// package around coding would link pictures as well, at the price of every
// start.
func encode(text string) *coding.Code {
	for v := coding.Version(coding.MinVersion); v <= coding.MaxVersion; v++ {
		if coding.String(text).Bits(v) > v.DataBytes(coding.L)*8 {
			continue
		}
		plan, err := coding.NewPlan(v, coding.L, 0)
		if err != nil {
			return nil
		}
		code, err := plan.Encode(coding.String(text))
		if err != nil {
			return nil
		}
		return code
	}
	return nil
}

// half is one character for two squares, one above the other, drawn in light.
func half(upper, lower bool) string {
	switch {
	case upper && lower:
		return "\u2588"
	case upper:
		return "\u2580"
	case lower:
		return "\u2584"
	}
	return " "
}
