-- What a worker made: `where worker = $1`.
create index rendition_worker on rendition (worker);
