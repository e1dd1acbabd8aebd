-- Every worker that ever asked for a job. A registered one has a key of its own, kept as a hash, and stays here for good
-- once it is revoked, so that its name is never another's; one that asks with the node's worker token has none.
create table worker (
    name text primary key check (length(name) between 1 and 64),
    key_hash bytea unique check (octet_length(key_hash) = 32),
    software text not null,
    -- Empty before it first asked.
    kinds text[] not null default '{}',
    codecs text[] not null default '{}',
    -- Seconds of film a second.
    speed double precision check (speed > 0),
    registered_ms bigint not null,
    seen_ms bigint,
    revoked_ms bigint,
    check (revoked_ms is null or key_hash is not null)
);

grant select, insert, update, delete on worker to pinreel_app;

insert into worker (name, software, registered_ms, seen_ms)
select worker, '', min(leased_ms), max(leased_ms) from job_lease group by worker;
