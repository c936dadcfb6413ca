package slo

import "slices"

// cells are the counts of one hour by minute or by slice: columns of 64-bit
// counters, kept as digits to the base of 65 536. A column is the lowest digit of
// every cell, then the next; it has as many digits as its largest counter needs,
// none while all are zero, so that most take two bytes a cell and those of bad
// events often nothing. Arithmetic is modulo 2^64, which makes negative
// corrections exact, too. All columns lie together: a look-back reads all.
type cells struct {
	hour int64
	// digits are those of the columns: good, bad, unknown.
	digits [3]uint8
	data   []uint16
}

// at returns the cells for an hour, emptied if they held an older one.
func (c *cells) at(hour int64) *cells {
	if c.hour != hour {
		c.hour, c.digits, c.data = hour, [3]uint8{}, c.data[:0]
	}
	return c
}

// add counts in cell i of so many.
func (c *cells) add(size, i int, n Counts) {
	c.addTo(0, size, i, n.Good)
	c.addTo(1, size, i, n.Bad)
	c.addTo(2, size, i, n.Unknown)
}

func (c *cells) addTo(column, size, i int, n int64) {
	if n == 0 {
		return
	}
	digits := int(c.digits[column])
	at := i // The lowest digit of the cell in the column.
	for _, before := range c.digits[:column] {
		at += int(before) * size
	}
	value := uint64(n)
	for d := range digits {
		value += uint64(c.data[at+d*size]) << (16 * d)
	}
	for d := 0; d < digits || value != 0; d++ {
		if d == digits {
			c.data = slices.Insert(c.data, at-i+d*size, make([]uint16, size)...)
			digits++
		}
		c.data[at+d*size] = uint16(value)
		value >>= 16
	}
	c.digits[column] = uint8(digits)
}

// sum counts the cells [from, to) of so many.
func (c *cells) sum(size, from, to int) Counts {
	var sums [3]uint64
	data := c.data
	for column, digits := range c.digits {
		for d := range digits {
			var sum uint64
			for _, v := range data[from:to] {
				sum += uint64(v)
			}
			sums[column] += sum << (16 * d)
			data = data[size:]
		}
	}
	return Counts{Good: int64(sums[0]), Bad: int64(sums[1]), Unknown: int64(sums[2])}
}
