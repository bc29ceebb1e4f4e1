// Package cast stands in for what viper would turn one type into another with:
// rely hands it lists of texts and takes the same lists out again, and the
// library costs every start its own tables and those of html/template.
// docs/decisions/0016.
package cast

import "time"

// ToStringSlice gives a list of texts as it is. Nothing else is ever in viper.
func ToStringSlice(i any) []string {
	list, _ := i.([]string)
	return list
}

// What viper calls for other types than rely has, none of it reached.

func ToBool(any) bool                                { return false }
func ToBoolSlice(any) []bool                         { return nil }
func ToDuration(any) time.Duration                   { return 0 }
func ToDurationSlice(any) []time.Duration            { return nil }
func ToFloat64(any) float64                          { return 0 }
func ToFloat64Slice(any) []float64                   { return nil }
func ToInt(any) int                                  { return 0 }
func ToInt32(any) int32                              { return 0 }
func ToInt64(any) int64                              { return 0 }
func ToIntSlice(any) []int                           { return nil }
func ToString(any) string                            { return "" }
func ToStringMap(any) map[string]any                 { return nil }
func ToStringMapString(any) map[string]string        { return nil }
func ToStringMapStringSlice(any) map[string][]string { return nil }
func ToTime(any) time.Time                           { return time.Time{} }
func ToUint(any) uint                                { return 0 }
func ToUint8(any) uint8                              { return 0 }
func ToUint16(any) uint16                            { return 0 }
func ToUint32(any) uint32                            { return 0 }
func ToUint64(any) uint64                            { return 0 }
func ToUintSlice(any) []uint                         { return nil }
