//! The boxes of mp4: a size, a kind of four letters, then what is inside.

/// A box's size and kind.
pub const HEAD: usize = 8;

/// Start and end of the first box of a kind among the boxes from `at` to `end`.
pub fn find(bytes: &[u8], at: usize, end: usize, kind: &[u8; 4]) -> Option<(usize, usize)> {
    within(bytes, at, end).find(|(found, ..)| *found == kind).map(|(_, start, end)| (start, end))
}

/// Kind and inside of each box from `at` to `end`, up to the first that is broken.
pub fn children(bytes: &[u8], at: usize, end: usize) -> Vec<(&[u8; 4], &[u8])> {
    within(bytes, at, end).map(|(kind, start, end)| (kind, &bytes[start + HEAD..end])).collect()
}

fn within(bytes: &[u8], mut at: usize, end: usize) -> impl Iterator<Item = (&[u8; 4], usize, usize)> {
    std::iter::from_fn(move || {
        let head = bytes.get(at..at.checked_add(HEAD).filter(|behind| *behind <= end)?)?;
        let size = u32::from_be_bytes(*head.first_chunk()?) as usize;
        let next = at.checked_add(size).filter(|next| size >= HEAD && *next <= end.min(bytes.len()))?;
        let start = at;
        at = next;
        Some((head.last_chunk()?, start, next))
    })
}

pub fn framed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut framed = ((body.len() + 8) as u32).to_be_bytes().to_vec();
    framed.extend_from_slice(kind);
    framed.extend_from_slice(body);
    framed
}
