-- What registers a worker: told once to the operator, kept as a hash.
create table worker_invitation (
    token_hash bytea primary key check (octet_length(token_hash) = 32),
    -- Whether more than one worker may come in by it before it expires.
    reusable boolean not null,
    created_ms bigint not null,
    expires_ms bigint not null
);

grant select, insert, delete on worker_invitation to pinreel_app;
