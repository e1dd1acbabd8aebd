-- The next root to pin or unpin: `where state in ('pending', 'unwanted') order by next_try_ms, id`.
create index pin_due on pin (next_try_ms, id) where state in ('pending', 'unwanted');
