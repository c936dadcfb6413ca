package dedup

// Inline has maintenance done by the caller, so that a seed decides everything.
func Inline(o Options) Options {
	o.inline = true
	return o
}
