-- +goose Up

-- Whoever applied this revision did not want its tiers to wait until it covers
-- their look-backs.
ALTER TABLE definitions ADD COLUMN retire_now boolean NOT NULL DEFAULT false;

-- +goose Down

ALTER TABLE definitions DROP COLUMN retire_now;
