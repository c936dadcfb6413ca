-- +goose Up

-- Hours of the ledger that are closed, a row each: hour counts since 1970, and
-- good, bad and unknown are its sums. data has the slices, or the minutes, as
-- grid (in seconds) says; its form is in hourcode.go. What one series counted
-- in an hour is the sum of the row here and of its rows in buckets, which come
-- back when an event is late. One partition holds one month of event time.
CREATE TABLE hours (
    hour    bigint   NOT NULL,
    good    bigint   NOT NULL,
    bad     bigint   NOT NULL,
    unknown bigint   NOT NULL,
    series  integer  NOT NULL,
    shard   integer  NOT NULL,
    grid    smallint NOT NULL CHECK (grid IN (10, 60)),
    data    bytea    NOT NULL,
    PRIMARY KEY (series, hour, shard)
) PARTITION BY RANGE (hour);

-- Those that still have slices and will be packed to minutes one day.
CREATE INDEX hours_by_slice ON hours (hour) WHERE grid = 10;

-- +goose Down

-- The version before knows no packed hours: each becomes one bucket in the
-- first slice of its hour. Its sums are exact, its slices are gone.
-- +goose StatementBegin
DO $$
DECLARE
    day  bigint;
    name text;
BEGIN
    FOR day IN SELECT DISTINCT hour / 24 FROM hours LOOP
        name := 'buckets_' || to_char(to_timestamp(day * 86400) AT TIME ZONE 'UTC', 'YYYYMMDD');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE buckets INCLUDING ALL) WITH (fillfactor = 70)', name);
            EXECUTE format('ALTER TABLE buckets ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, day * 8640, (day + 1) * 8640);
        END IF;
    END LOOP;
END
$$;
-- +goose StatementEnd

INSERT INTO buckets AS b (series, shard, slice, good, bad, unknown)
SELECT series, shard, hour * 360, good, bad, unknown FROM hours
ON CONFLICT (series, slice, shard) DO UPDATE
SET good = b.good + excluded.good, bad = b.bad + excluded.bad, unknown = b.unknown + excluded.unknown;

DROP TABLE hours;
