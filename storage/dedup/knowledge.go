package dedup

import (
	"math"

	"github.com/slowburn-slo/slowburn/slo"
)

// Unknown is what KnownFrom says while no verdict is known exactly yet.
const Unknown = slo.Offset(math.MaxUint64)

// knowledge is from where on verdicts are exact. A store that begins where the
// journal was already trimmed has not seen what came before: its verdicts are
// exact once its first record lies further back than the horizon.
type knowledge struct {
	// known: verdicts of the records after it are exact; Unknown while they are not yet.
	known slo.Offset
	// since is the arrival of the first record sighted, 0 before it.
	since int64
}

// learn looks at the next record; covered is the one before it.
func (k *knowledge) learn(covered slo.Offset, arrival, horizon int64) {
	if k.known != Unknown {
		return
	}
	if k.since == 0 {
		k.since = arrival
	}
	// What was missed arrived no later than since, so its sightings count up to since + horizon.
	if arrival-k.since > horizon {
		k.known = covered
	}
}
