-- One row for each root that a Kubo beside this node shall hold. Written in the transaction that makes the root public,
-- and never before: what Kubo has, the whole DHT is told. Served by one task; a row outlives restarts and a Kubo away.
create table pin (
    id bigint generated always as identity primary key,
    root text not null unique,
    role text not null check (role in ('source', 'hls')),
    name text not null check (length(name) between 1 and 200),
    state text not null default 'pending' check (state in ('pending', 'pinned', 'failed')),
    -- Tries that reached Kubo and went wrong; a Kubo away isn't counted.
    attempts integer not null default 0,
    next_try_ms bigint not null,
    -- The last failure, in words.
    detail text,
    created_ms bigint not null,
    updated_ms bigint not null
);

grant select, insert, update on pin to pinreel_app;
