package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteSize is a flag's number of bytes, written with a unit: 20GiB.
type byteSize int64

func units() []struct {
	name  string
	bytes int64
} {
	return []struct {
		name  string
		bytes int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}
}

// String implements pflag.Value.
func (b *byteSize) String() string {
	for _, u := range units() {
		if n := int64(*b); n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(*b), 10)
}

// Set implements pflag.Value.
func (b *byteSize) Set(text string) error {
	number, factor := text, int64(1)
	for _, u := range units() {
		if digits, ok := strings.CutSuffix(text, u.name); ok {
			number, factor = digits, u.bytes
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/factor {
		return fmt.Errorf("%q is not a size: write a whole number and KiB, MiB, GiB or TiB, as in 20GiB", text)
	}
	*b = byteSize(n * factor)
	return nil
}

// Type implements pflag.Value.
func (*byteSize) Type() string { return "SIZE" }
