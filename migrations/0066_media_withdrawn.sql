-- Playback folders that the operator took back because of the worker that made them. Their records stay in the log, which
-- is for good; but nothing here shows them, and nothing keeps their bytes. If another worker makes the very same folder,
-- it was right, and is shown again.
create table withdrawn_root (
    root text primary key,
    source text not null,
    worker text not null,
    withdrawn_ms bigint not null
);

grant select, insert, delete on withdrawn_root to pinreel_app;
grant delete on rendition to pinreel_app;
