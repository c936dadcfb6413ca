package decompressextension

import (
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is the largest window that a zstd encoder of the OpenTelemetry
// Collector uses, that of its best compression. A decoder allocates what a
// frame claims.
const maxWindow = 32 << 20

// decoders keeps decoders for reuse; making one costs more than a small request.
type decoders struct{ gzips, zstds sync.Pool }

// gzip decodes r until release is called.
func (d *decoders) gzip(r io.Reader) (reader io.Reader, release func(), err error) {
	decoder, ok := d.gzips.Get().(*gzip.Reader)
	if ok {
		err = decoder.Reset(r)
	} else {
		decoder, err = gzip.NewReader(r)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("decode gzip: %w", err)
	}
	return decoder, func() { d.gzips.Put(decoder) }, nil
}

// zstd decodes r until release is called. One goroutine is enough for a
// request, and frees the decoder of goroutines that would have to be stopped.
func (d *decoders) zstd(r io.Reader) (reader io.Reader, release func(), err error) {
	decoder, ok := d.zstds.Get().(*zstd.Decoder)
	if ok {
		err = decoder.Reset(r)
	} else {
		decoder, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxWindow))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("decode zstd: %w", err)
	}
	return decoder, func() {
		// Without a reset the pool would keep the request alive.
		if decoder.Reset(nil) == nil {
			d.zstds.Put(decoder)
		}
	}, nil
}
