-- The next root to pin: `where state = 'pending' order by next_try_ms`.
create index pin_pending on pin (next_try_ms, id) where state = 'pending';
