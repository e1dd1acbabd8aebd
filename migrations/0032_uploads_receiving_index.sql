-- Unfinished uploads: those that expired (`where state = 'receiving' and expires_ms <= $1`), and all of them for the
-- room that they reserve.
create index upload_receiving on upload (expires_ms) where state = 'receiving';
