-- One job for each (source, recipe): the same bytes uploaded twice are transcoded once. A job holds what the owner is
-- shown (state, progress, reason) and what a worker must prove to change it (epoch). Times are milliseconds since the
-- Unix epoch, from the server's clock and not from Postgres's, so that rules are testable at any moment.
create table job (
    id uuid primary key,
    source text not null,
    recipe text not null,
    source_bytes bigint not null check (source_bytes >= 0),
    file_name text not null,
    media_type text not null,
    -- none: a media type that is published as it is.
    state text not null check (state in ('queued', 'leased', 'complete', 'failed', 'none')),
    -- Grows with each lease: whoever holds an older one has lost the job.
    epoch integer not null default 0,
    -- Leases since the owner last asked; the third that fails ends it.
    attempts integer not null default 0,
    lease_until_ms bigint,
    progress jsonb,
    failure_code text,
    failure_reason text,
    -- Set by the publish transaction, here and not only in the claims, so that it and the completing transaction meet
    -- on one row: whichever is second sees the other.
    published boolean not null default false,
    created_ms bigint not null,
    updated_ms bigint not null,
    unique (source, recipe),
    check ((state = 'leased') = (lease_until_ms is not null)),
    check ((state = 'failed') = (failure_reason is not null))
);

grant select, insert, update on job to pinreel_app;

-- Every lease ever given, so that a late answer is told "lost" while a made-up token is told nothing.
create table job_lease (
    job uuid not null references job (id) on delete cascade,
    epoch integer not null,
    worker text not null,
    token_sha256 bytea not null,
    leased_ms bigint not null,
    primary key (job, epoch)
);

grant select, insert on job_lease to pinreel_app;

-- What the holder of the present lease has delivered. The bytes are in the content store already; a row here lets the
-- job's result name them.
create table job_file (
    job uuid not null references job (id) on delete cascade,
    name text not null,
    epoch integer not null,
    cid text not null,
    size_bytes bigint not null check (size_bytes >= 0),
    -- What a folder's link says of the file: its bytes and the blocks that hold them together.
    tsize_bytes bigint not null,
    primary key (job, name)
);

grant select, insert, update, delete on job_file to pinreel_app;
