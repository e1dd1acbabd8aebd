-- What this node made of a source. Private until the source is published: the public log must not tell of an upload
-- that its owner has shown to nobody, so the record is appended later, from these rows.
create table rendition (
    job uuid primary key references job (id),
    -- Not unique: two containers around the same streams can remux to the same bytes.
    root text not null,
    source text not null,
    recipe text not null,
    worker text not null,
    duration_ms bigint not null check (duration_ms > 0),
    poster text,
    -- [{name, height, codecs, peak_bps, average_bps, bytes}], best first.
    rungs jsonb not null,
    warnings jsonb not null,
    -- The header's CID once it is in the log.
    record text,
    -- private: nothing published needs it · due: published, not yet in the log · logged.
    state text not null check (state in ('private', 'due', 'logged')),
    created_ms bigint not null,
    check ((state = 'logged') = (record is not null))
);

grant select, insert, update on rendition to pinreel_app;
