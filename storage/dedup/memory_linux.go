package dedup

import "syscall"

// advise asks for large pages. If there are none, small ones do.
func advise(b []byte) { _ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) }
