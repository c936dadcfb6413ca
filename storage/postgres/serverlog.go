package postgres

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

const (
	// maxLogSize bounds the server's log, in bytes; the one before is kept.
	maxLogSize = 16 << 20
	// tailSize is how much of the log is read for an error, in bytes.
	tailSize  = 8 << 10
	tailLines = 8
)

// rotateLog moves the content of a log that has grown too large to a second
// file. The server keeps the file open, so its content is copied, not renamed;
// it writes to the end, wherever that is.
func rotateLog(file string, limit int64) error {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && info.Size() <= limit) {
		return nil
	}
	if err == nil {
		err = copyFile(file, file+".1")
	}
	if err == nil {
		err = os.Truncate(file, 0)
	}
	if err != nil {
		return fmt.Errorf("rotate the log of the database: %w", err)
	}
	return nil
}

func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	_, err = io.Copy(target, source)
	return err
}

// tail is the end of what was written to the log from an offset on.
func tail(file string, from int64) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil {
		from = max(from, info.Size()-tailSize)
	}
	text, err := io.ReadAll(io.NewSectionReader(f, from, tailSize))
	if err != nil {
		return ""
	}
	return lastLines(string(text))
}

// lastLines puts the last lines of a text into one.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, " | ")
}
