-- Instants are nanoseconds since 1970-01-01T00:00:00Z (columns *_ns), so that
-- they come back as they went in. Slices number ten seconds each (slo.Slice).

-- +goose Up

-- What one shard has counted, and the position of its ledger.
CREATE TABLE cursors (
    id                integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard             text    NOT NULL UNIQUE,
    position          bigint  NOT NULL DEFAULT 0,
    sequence          bigint  NOT NULL DEFAULT 0,
    measured_since_ns bigint,
    measured_until_ns bigint,
    definitions       bytea
);

-- Every series ever counted; the small id stands for its hash everywhere else.
CREATE TABLE series (
    id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash         text    NOT NULL UNIQUE,
    watermark_ns bigint
) WITH (fillfactor = 50);

-- The journal that this database belongs to: one row.
CREATE TABLE owner (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    id     text    NOT NULL
);

-- The stretches in which a shard counted a series; to_ns is null while it does.
CREATE TABLE series_counted (
    series  integer NOT NULL REFERENCES series (id),
    shard   integer NOT NULL REFERENCES cursors (id),
    from_ns bigint  NOT NULL,
    to_ns   bigint,
    PRIMARY KEY (series, shard, from_ns)
);

-- The ledger. One partition holds one day of event time and is made by the
-- program before the first commit that needs it. No foreign keys: a check per
-- row would cost more than the row.
CREATE TABLE buckets (
    series  integer NOT NULL,
    shard   integer NOT NULL,
    slice   bigint  NOT NULL,
    good    bigint  NOT NULL,
    bad     bigint  NOT NULL,
    unknown bigint  NOT NULL,
    PRIMARY KEY (series, slice, shard)
) PARTITION BY RANGE (slice);

-- What each of the newest commits added, for readers that follow the ledger.
CREATE TABLE commits (
    shard             integer     NOT NULL REFERENCES cursors (id),
    sequence          bigint      NOT NULL,
    from_position     bigint      NOT NULL,
    to_position       bigint      NOT NULL,
    measured_until_ns bigint,
    committed_at      timestamptz NOT NULL DEFAULT now(),
    series            integer[]   NOT NULL,
    slices            bigint[]    NOT NULL,
    good              bigint[]    NOT NULL,
    bad               bigint[]    NOT NULL,
    unknown           bigint[]    NOT NULL,
    watermark_series  integer[]   NOT NULL,
    watermark_ns      bigint[]    NOT NULL,
    gap_from_ns       bigint[]    NOT NULL,
    gap_to_ns         bigint[]    NOT NULL,
    started_series    integer[]   NOT NULL,
    started_ns        bigint[]    NOT NULL,
    stopped_series    integer[]   NOT NULL,
    stopped_ns        bigint[]    NOT NULL,
    PRIMARY KEY (shard, sequence)
);

-- Stretches in which a shard accepted nothing.
CREATE TABLE gaps (
    shard   integer NOT NULL REFERENCES cursors (id),
    from_ns bigint  NOT NULL,
    to_ns   bigint  NOT NULL,
    PRIMARY KEY (shard, from_ns)
);

CREATE TABLE services (
    name         text   PRIMARY KEY,
    spans        bigint NOT NULL,
    last_seen_ns bigint
);

CREATE TABLE refused (
    reason text   PRIMARY KEY,
    spans  bigint NOT NULL
);

-- Every revision of every SLO. The type of spec is json, not jsonb: it keeps
-- what was written, escaped NUL characters included.
CREATE TABLE definitions (
    name           text    NOT NULL,
    revision       integer NOT NULL,
    origin         text    NOT NULL,
    document       bytea   NOT NULL,
    spec           json    NOT NULL,
    applied_at_ns  bigint,
    archived_at_ns bigint,
    PRIMARY KEY (name, revision)
);

CREATE UNIQUE INDEX definitions_live ON definitions (name) WHERE archived_at_ns IS NULL;

CREATE TABLE episodes (
    id               text    PRIMARY KEY,
    slo              text    NOT NULL,
    objective        integer NOT NULL,
    tier             text    NOT NULL,
    severity         text    NOT NULL,
    state            text    NOT NULL CHECK (state IN ('pending', 'firing', 'resolved', 'lapsed')),
    began_ns         bigint  NOT NULL,
    pending_since_ns bigint,
    fired_at_ns      bigint,
    resolved_at_ns   bigint,
    last_over_ns     bigint,
    labels           json    NOT NULL
);

CREATE INDEX episodes_open ON episodes (state) WHERE state IN ('pending', 'firing');
CREATE INDEX episodes_newest ON episodes (began_ns DESC, id);

-- The states that an episode went through, each with what it was judged by.
CREATE TABLE transitions (
    episode  text   NOT NULL REFERENCES episodes (id),
    state    text   NOT NULL,
    at_ns    bigint NOT NULL,
    evidence json   NOT NULL,
    PRIMARY KEY (episode, state)
);

-- Messages to receivers. due_ns is when the next attempt may begin; while one
-- is under way it is the end of its lease.
CREATE TABLE outbox (
    id           text    PRIMARY KEY,
    position     bigint  GENERATED ALWAYS AS IDENTITY,
    receiver     text    NOT NULL,
    episode      text    NOT NULL,
    state        text    NOT NULL,
    payload      bytea   NOT NULL,
    created_ns   bigint  NOT NULL,
    attempt      integer NOT NULL DEFAULT 0,
    due_ns       bigint  NOT NULL,
    done_ns      bigint
);

CREATE UNIQUE INDEX outbox_undelivered ON outbox (receiver, episode, position) WHERE done_ns IS NULL;
CREATE INDEX outbox_episode ON outbox (episode);

-- Every attempt to deliver a message, written before it is sent.
CREATE TABLE attempts (
    notification text    NOT NULL REFERENCES outbox (id),
    attempt      integer NOT NULL,
    begun_ns     bigint  NOT NULL,
    ended_ns     bigint,
    outcome      text    NOT NULL CHECK (outcome IN ('begun', 'delivered', 'retry', 'abandoned')),
    cause        text    NOT NULL DEFAULT '',
    PRIMARY KEY (notification, attempt)
);
