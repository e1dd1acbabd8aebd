-- What a channel put beside one of its uploads, before it published it. Goes with the upload.
create table companion (
    -- Made by time: their order is the players' order.
    id uuid primary key,
    upload uuid not null references upload (id) on delete cascade,
    role text not null check (role in ('captions', 'poster')),
    -- As sent; empty for a frame of the film.
    file_name text not null check (length(file_name) <= 200),
    -- BCP 47, of captions.
    language text,
    -- For people, of captions.
    label text not null check (length(label) <= 80),
    -- Of a poster that is a frame of the film.
    at_ms bigint check (at_ms >= 0),
    -- CID of what was sent.
    sent text,
    -- Null for a frame until the film has arrived.
    job uuid references job (id),
    created_ms bigint not null,
    check ((sent is null) = (at_ms is not null)),
    check (at_ms is null or role = 'poster')
);

grant select, insert, update, delete on companion to pinreel_app;
-- An upload's companions: `where upload = $1 order by id`.
create index companion_upload on companion (upload, id);
-- Whose wait ends with a job: `where job = $1`.
create index companion_job on companion (job);
-- Uploads whose folder is to be put together anew, if that is possible by now; the number tells whether more has happened
-- since somebody looked.
create table companion_due (
    upload uuid primary key references upload (id) on delete cascade,
    number bigint not null default 0
);

grant select, insert, update, delete on companion_due to pinreel_app;
