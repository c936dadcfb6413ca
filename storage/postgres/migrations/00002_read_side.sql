-- +goose Up

-- The page of one SLO asks for its own episodes.
CREATE INDEX episodes_of_slo ON episodes (slo, began_ns DESC, id);
