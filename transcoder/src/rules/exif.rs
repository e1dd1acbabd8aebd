//! Fields of a TIFF's first directory, which is also how EXIF is written. Pure.

/// How a picture must be turned; as in EXIF, 1 to 8.
pub const ORIENTATION: u16 = 274;
pub const COMPRESSION: u16 = 259;

/// A field's place and kind.
const FIELD_BYTES: usize = 12;
const SHORT: u16 = 3;

/// The order of bytes, as a header tells.
#[derive(Clone, Copy)]
pub enum Order {
    Little,
    Big,
}

/// The header's eight bytes: in which order numbers stand, and where the first directory does.
pub fn header(bytes: &[u8]) -> Option<(Order, u32)> {
    let order = match bytes.get(..4)? {
        b"II*\0" => Order::Little,
        b"MM\0*" => Order::Big,
        _ => return None,
    };
    Some((order, order.u32(bytes.get(4..8)?)?))
}

/// A small number's value in a directory, which begins with its count of fields; what is cut off isn't there.
pub fn short(order: Order, directory: &[u8], tag: u16) -> Option<u16> {
    let count = order.u16(directory)?;
    let fields = directory.get(2..)?.chunks_exact(FIELD_BYTES).take(count.into());
    let mut found = fields.filter(|field| order.u16(field) == Some(tag));
    let field = found.next().filter(|field| order.u16(&field[2..]) == Some(SHORT))?;
    order.u16(&field[8..])
}

/// The orientation that a block of EXIF tells.
pub fn orientation(block: &[u8]) -> Option<u16> {
    let (order, at) = header(block)?;
    short(order, block.get(usize::try_from(at).ok()?..)?, ORIENTATION)
}

impl Order {
    fn u16(self, bytes: &[u8]) -> Option<u16> {
        let bytes = bytes.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(*bytes),
            Self::Big => u16::from_be_bytes(*bytes),
        })
    }

    fn u32(self, bytes: &[u8]) -> Option<u32> {
        let bytes = bytes.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(*bytes),
            Self::Big => u32::from_be_bytes(*bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::orientation;

    #[test]
    fn orientations_are_found_in_either_order() {
        let little = b"II*\0\x08\0\0\0\x02\0\x00\x01\x03\0\x01\0\0\0\x05\0\0\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
        let big = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0";
        assert_eq!((orientation(little), orientation(big)), (Some(6), Some(8)));
        for cut in 0..little.len() - 2 {
            assert_eq!(orientation(&little[..cut]), None, "{cut}");
        }
        // A string by that number is no number; neither is a place outside.
        assert_eq!(orientation(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x01\0\x08\0\0"), None);
        assert_eq!(orientation(b"MM\0*\xff\xff\xff\xff\0\x01"), None);
    }
}
