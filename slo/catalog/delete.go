package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// Delete archives SLOs and other objects as one change: what each costs, a
// transaction, a record of all series, and that everybody hears of it, it costs
// once. The error is slo.DeleteError for those that stay, while the others end;
// their reasons wrap slo.ErrNotFound or slo.ErrNoObject, slo.ErrReadOnly for one
// that comes from a file, and slo.ErrInUse for one that something refers to
// which stays.
func (c *Catalog) Delete(ctx context.Context, refs ...slo.ObjectRef) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	if err := c.settle(ctx); err != nil {
		return err
	}
	gone, refused := c.inForce.Load().deletable(refs)
	if err := c.change(ctx, slo.Change{Archive: gone}); err != nil {
		return err
	}
	if len(refused) > 0 {
		return refused
	}
	return nil
}

// deletable divides objects into those that can end together, sorted, and those
// that cannot.
func (s *state) deletable(refs []slo.ObjectRef) ([]slo.ObjectRef, slo.DeleteError) {
	gone, refused := make(map[slo.ObjectRef]bool, len(refs)), slo.DeleteError{}
	for _, ref := range refs {
		switch origin, found := s.origin(ref); {
		case !found && ref.Kind == slo.KindSLO:
			refused[ref] = fmt.Errorf("delete %q: %w", ref.Name, slo.ErrNotFound)
		case !found:
			refused[ref] = fmt.Errorf("delete %s %q: %w", ref.Kind, ref.Name, slo.ErrNoObject)
		case origin != "":
			refused[ref] = fmt.Errorf("delete %s, from %s: %w", ref, origin, slo.ErrReadOnly)
		default:
			gone[ref] = true
		}
	}
	// What must stay keeps what it refers to, directly or through others.
	for before := -1; before != len(gone); {
		before = len(gone)
		for _, ref := range slices.SortedFunc(maps.Keys(gone), slo.ObjectRef.Compare) {
			stay := slices.DeleteFunc(slices.Clone(s.users()[ref]), func(user slo.ObjectRef) bool { return gone[user] })
			if len(stay) > 0 && !optional(ref) {
				delete(gone, ref)
				refused[ref] = fmt.Errorf("delete %s, used by %s: %w", ref, listed(stay), slo.ErrInUse)
			}
		}
	}
	return slices.SortedFunc(maps.Keys(gone), slo.ObjectRef.Compare), refused
}

// listed names the first few.
func listed(refs []slo.ObjectRef) string {
	const most = 5
	names := make([]string, 0, most)
	for _, ref := range refs[:min(len(refs), most)] {
		names = append(names, ref.String())
	}
	text := strings.Join(names, ", ")
	if more := len(refs) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
