package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxEpisodes is how many episodes the API lists at most; older ones are not seen.
const maxEpisodes = 1000

// api asks a running platform.
type api struct{ base string }

func (a api) json(ctx context.Context, path string, into any) error {
	status, body, err := fetch(ctx, http.MethodGet, a.base+path, nil)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("GET %s: %d %s", path, status, body)
	}
	return json.Unmarshal([]byte(body), into)
}

// fill asks for everything that the evidence lacks.
func (a api) fill(ctx context.Context, e *evidence) error {
	e.Counted = map[string][]count{}
	for name := range e.Objectives {
		counts, err := a.buckets(ctx, name)
		if err != nil {
			return err
		}
		e.Counted[name] = counts
	}
	var list struct {
		Alerts []episode `json:"alerts"`
	}
	if err := a.json(ctx, fmt.Sprintf("/api/v1/alerts?limit=%d", maxEpisodes), &list); err != nil {
		return err
	}
	e.Episodes = list.Alerts
	return nil
}

// buckets are all buckets of an objective, from before the oldest event that
// the harness sends to after the newest.
func (a api) buckets(ctx context.Context, name string) ([]count, error) {
	now := time.Now()
	query := url.Values{
		"from": {now.Add(-48 * time.Hour).UTC().Format(time.RFC3339)},
		"to":   {now.Add(time.Hour).UTC().Format(time.RFC3339)},
	}
	var list struct {
		Buckets []struct {
			Start              time.Time `json:"start"`
			Good, Bad, Unknown int64
		} `json:"buckets"`
	}
	if err := a.json(ctx, "/api/v1/slos/"+name+"/buckets?"+query.Encode(), &list); err != nil {
		return nil, err
	}
	counts := make([]count, len(list.Buckets))
	for i, b := range list.Buckets {
		counts[i] = count{b.Start.Unix() / sliceSeconds, b.Good, b.Bad, b.Unknown}
	}
	return counts, nil
}

// offsets are how far the journal and the ledger have got.
func (a api) offsets(ctx context.Context) (journal, ledger int64, err error) {
	status, body, err := fetch(ctx, http.MethodGet, a.base+"/metrics", nil)
	if err != nil {
		return 0, 0, err
	}
	values := map[string]int64{}
	scanner := bufio.NewScanner(strings.NewReader(body))
	for scanner.Scan() {
		name, value, _ := strings.Cut(scanner.Text(), " ")
		if f, err := strconv.ParseFloat(value, 64); err == nil {
			values[name] = int64(f)
		}
	}
	journal, known := values["slowburn_journal_records"]
	ledger, alsoKnown := values["slowburn_ledger_offset"]
	if !known || !alsoKnown {
		return 0, 0, fmt.Errorf("GET /metrics: %d without the offsets", status)
	}
	return journal, ledger, scanner.Err()
}
