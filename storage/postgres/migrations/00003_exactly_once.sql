-- +goose Up

-- What befell a bucket beside its counts; NULL is 0, since most buckets have
-- none of it and a NULL takes no room. revised_ns is the arrival of the newest
-- record at the newest of the revisions, revised_sequence its commit.
ALTER TABLE buckets
    ADD COLUMN late             bigint,
    ADD COLUMN repeats          bigint,
    ADD COLUMN conflicts        bigint,
    ADD COLUMN revisions        bigint,
    ADD COLUMN revised_ns       bigint,
    ADD COLUMN revised_sequence bigint;

-- The records of a stretch: those after from_position up to to_position. In
-- rows of before from_position is NULL: nobody noted it.
ALTER TABLE series_counted
    ADD COLUMN from_position bigint,
    ADD COLUMN to_position   bigint,
    DROP CONSTRAINT series_counted_pkey;

CREATE UNIQUE INDEX series_counted_stretch ON series_counted (series, shard, from_position);

-- Up to sealed every event lies in slices that an audit had the last word on.
ALTER TABLE cursors
    ADD COLUMN repeats   bigint NOT NULL DEFAULT 0,
    ADD COLUMN conflicts bigint NOT NULL DEFAULT 0,
    ADD COLUMN sealed    bigint NOT NULL DEFAULT 0;

ALTER TABLE commits
    ADD COLUMN recounted_series   integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN recounted_since_ns bigint[]  NOT NULL DEFAULT '{}',
    ADD COLUMN recounted_until_ns bigint[]  NOT NULL DEFAULT '{}';

-- Refused items by the hour of their arrival (hours since 1970).
CREATE TABLE refusals (
    hour    bigint NOT NULL,
    signal  text   NOT NULL,
    reason  text   NOT NULL,
    service text   NOT NULL,
    items   bigint NOT NULL,
    PRIMARY KEY (hour, signal, reason, service)
);

-- Audits of the slices [from_slice, to_slice). sequence is the commit that the
-- ledger stood at, and closed the first slice that could still change then
-- without being revised.
CREATE TABLE audits (
    id         bigint    GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard      integer   NOT NULL REFERENCES cursors (id),
    at_ns      bigint    NOT NULL,
    from_slice bigint    NOT NULL,
    to_slice   bigint    NOT NULL,
    through    bigint    NOT NULL,
    sequence   bigint    NOT NULL,
    closed     bigint    NOT NULL,
    buckets    bigint    NOT NULL,
    spans      bigint    NOT NULL,
    series     integer[] NOT NULL,
    differing  bigint    NOT NULL,
    sealed     boolean   NOT NULL
);

CREATE INDEX audits_of_shard ON audits (shard, sealed, id);

CREATE TABLE audit_differences (
    audit           bigint  NOT NULL REFERENCES audits (id) ON DELETE CASCADE,
    series          integer NOT NULL,
    slice           bigint  NOT NULL,
    ledger_good     bigint  NOT NULL,
    ledger_bad      bigint  NOT NULL,
    ledger_unknown  bigint  NOT NULL,
    recount_good    bigint  NOT NULL,
    recount_bad     bigint  NOT NULL,
    recount_unknown bigint  NOT NULL,
    PRIMARY KEY (audit, series, slice)
);

-- Who decides. The epoch rises with every takeover, and is never given twice.
CREATE TABLE leadership (
    single   boolean     PRIMARY KEY DEFAULT true CHECK (single),
    epoch    bigint      NOT NULL,
    holder   text        NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO leadership (epoch, holder) VALUES (0, '');

-- +goose Down

DROP TABLE leadership;
DROP TABLE audit_differences;
DROP TABLE audits;
DROP TABLE refusals;

ALTER TABLE commits
    DROP COLUMN recounted_series,
    DROP COLUMN recounted_since_ns,
    DROP COLUMN recounted_until_ns;

ALTER TABLE cursors
    DROP COLUMN repeats,
    DROP COLUMN conflicts,
    DROP COLUMN sealed;

-- Of stretches that began at the same instant all but one are empty.
DELETE FROM series_counted AS empty USING series_counted AS other
WHERE empty.series = other.series AND empty.shard = other.shard AND empty.from_ns = other.from_ns
    AND (COALESCE(empty.to_ns, 9223372036854775807), COALESCE(empty.from_position, -1))
        < (COALESCE(other.to_ns, 9223372036854775807), COALESCE(other.from_position, -1));

DROP INDEX series_counted_stretch;

ALTER TABLE series_counted
    DROP COLUMN from_position,
    DROP COLUMN to_position,
    ADD PRIMARY KEY (series, shard, from_ns);

-- A row that has nothing but corrections says nothing to the program of before.
DELETE FROM buckets WHERE good = 0 AND bad = 0 AND unknown = 0;

ALTER TABLE buckets
    DROP COLUMN late,
    DROP COLUMN repeats,
    DROP COLUMN conflicts,
    DROP COLUMN revisions,
    DROP COLUMN revised_ns,
    DROP COLUMN revised_sequence;
