-- One row for each upload, from its creation until it expires or is deleted. How many bytes have arrived isn't here: the
-- content store's partial file knows, so that there is one truth after a crash. Times are milliseconds since the Unix
-- epoch, from the server's clock.
create table upload (
    id uuid primary key,
    -- Genesis CID of the channel whose session made it.
    channel text not null,
    file_name text not null check (length(file_name) between 1 and 200),
    media_type text not null,
    size_bytes bigint not null check (size_bytes >= 0),
    -- receiving: bytes are awaited · stored: the source is in the content store and its job queued.
    state text not null default 'receiving' check (state in ('receiving', 'stored')),
    -- The source's CID, once stored.
    source text,
    created_ms bigint not null,
    -- Pushed on by each byte that arrives; null once stored.
    expires_ms bigint,
    check ((state = 'stored') = (source is not null)),
    check ((state = 'receiving') = (expires_ms is not null))
);

grant select, insert, update, delete on upload to pinreel_app;
