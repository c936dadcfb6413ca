package postgres_test

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// commitMessage is COMMIT as pgx sends it: a simple query.
const commitMessage = "Q\x00\x00\x00\x0bcommit\x00"

// commitReply is what the server answers: that it is done, and that it is idle.
const commitReply = "C\x00\x00\x00\x0bCOMMIT\x00Z\x00\x00\x00\x05I"

// cut says where a connection breaks: after so many bytes of the next COMMIT
// on its way to the server, or of the answer to it.
type cut struct {
	reply bool
	bytes int
}

// proxy stands between a store and the server. It relays whole connections,
// until one is cut.
type proxy struct {
	listener net.Listener
	upstream string
	next     atomic.Pointer[cut]
	cuts     atomic.Int64
	// messages is how many more messages may pass to the server, over all
	// connections; below 0 is no bound.
	messages atomic.Int64
	// stalled is held while nothing passes, as if the store's machine stood still.
	stalled sync.RWMutex

	mu    sync.Mutex
	conns map[net.Conn]bool
	wait  sync.WaitGroup
}

// newProxy returns a proxy before the server of an address, and the address
// that leads through it.
func newProxy(t *testing.T, address string) (*proxy, string) {
	t.Helper()
	config, err := pgx.ParseConfig(address)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{
		listener: listener, conns: map[net.Conn]bool{},
		upstream: config.Host + "/.s.PGSQL." + strconv.Itoa(int(config.Port)),
	}
	p.messages.Store(-1)
	p.wait.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.closeAll()
		p.wait.Wait()
	})
	through := url.URL{
		Scheme: "postgres", Host: listener.Addr().String(), User: url.User(config.User),
		Path: "/" + config.Database, RawQuery: "sslmode=disable",
	}
	return p, through.String()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.upstream)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		r := &relayed{proxy: p, client: client, server: server}
		p.wait.Go(func() { r.relay(server, client, r.toServer) })
		p.wait.Go(func() { r.relay(client, server, r.toClient) })
	}
}

func (p *proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

// relayed is one connection through the proxy.
type relayed struct {
	proxy          *proxy
	client, server net.Conn
	// armed is the cut of the answer that is awaited; left how many bytes of it may pass.
	armed atomic.Pointer[cut]
	left  int
	// ledger: a commit of the ledger has begun.
	ledger bool
}

// relay passes bytes on, as far as allowed says; the connection ends with the
// first that may not pass.
func (r *relayed) relay(to io.Writer, from io.Reader, allowed func([]byte) (n int, end bool)) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			r.proxy.stalled.RLock()
			pass, end := allowed(buffer[:n])
			_, writeErr := to.Write(buffer[:pass])
			r.proxy.stalled.RUnlock()
			if end {
				r.proxy.cuts.Add(1)
			}
			if end || writeErr != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_ = r.client.Close()
	_ = r.server.Close()
	r.proxy.mu.Lock()
	defer r.proxy.mu.Unlock()
	delete(r.proxy.conns, r.client)
	delete(r.proxy.conns, r.server)
}

func (r *relayed) toServer(chunk []byte) (int, bool) {
	if left := r.proxy.messages.Load(); left >= 0 && r.proxy.messages.Add(-1) < 0 {
		r.proxy.messages.Store(0)
		return 0, true
	}
	// Partitions are made in transactions of their own. The text of a statement
	// passes once on each connection, and each cut ends one.
	if bytes.Contains(chunk, []byte("UPDATE cursors")) {
		r.ledger = true
	}
	at := bytes.Index(chunk, []byte(commitMessage))
	if at < 0 || !r.ledger {
		return len(chunk), false
	}
	c := r.proxy.next.Swap(nil)
	switch {
	case c == nil:
		return len(chunk), false
	case c.reply:
		r.left = c.bytes
		r.armed.Store(c)
		return len(chunk), false
	default:
		return at + c.bytes, true
	}
}

func (r *relayed) toClient(chunk []byte) (int, bool) {
	if r.armed.Load() == nil {
		return len(chunk), false
	}
	pass := min(r.left, len(chunk))
	r.left -= pass
	return pass, r.left == 0
}
