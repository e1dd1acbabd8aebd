//! How a picture must be turned to stand upright. Pure.

/// How a picture must be turned to be upright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Quarter turns, clockwise.
    pub quarters: u32,
    pub mirrored: bool,
}

impl Turn {
    pub const NONE: Self = Self { quarters: 0, mirrored: false };

    /// From a display matrix's upper left numbers `[a, b, c, d]`: the picture's x axis goes to (a, b), its y to (c, d).
    pub fn of([a, b, c, d]: [i32; 4]) -> Self {
        let mirrored = i64::from(a) * i64::from(d) - i64::from(b) * i64::from(c) < 0;
        // Undo the mirroring of x first; what remains is a turn of the x axis.
        let (x, y) = if mirrored { (-f64::from(a), -f64::from(b)) } else { (f64::from(a), f64::from(b)) };
        let degrees = y.atan2(x).to_degrees();
        let quarters = (degrees / 90.0).round().rem_euclid(4.0) as u32;
        Self { quarters, mirrored }
    }

    /// From a photograph's EXIF orientation; anything but 2 to 8 is upright.
    pub fn of_exif(orientation: u16) -> Self {
        let turns = [(0, true), (2, false), (2, true), (3, true), (1, false), (1, true), (3, false)];
        let number = usize::from(orientation);
        let turn = number.checked_sub(2).and_then(|place| turns.get(place));
        turn.map_or(Self::NONE, |(quarters, mirrored)| Self { quarters: *quarters, mirrored: *mirrored })
    }

    /// Whether width and height change places.
    pub fn is_sideways(self) -> bool {
        self.quarters % 2 == 1
    }

    /// The filters that do it, each followed by a comma.
    pub fn filters(self) -> String {
        let mirror = if self.mirrored { "hflip," } else { "" };
        let turn = ["", "transpose=clock,", "hflip,vflip,", "transpose=cclock,"][self.quarters as usize % 4];
        format!("{mirror}{turn}")
    }
}

#[cfg(test)]
mod tests {
    use super::Turn;

    #[test]
    fn display_matrices_become_turns() {
        const ONE: i32 = 65536;
        let cases = [
            ([ONE, 0, 0, ONE], 0, false),
            ([0, ONE, -ONE, 0], 1, false),
            ([-ONE, 0, 0, -ONE], 2, false),
            ([0, -ONE, ONE, 0], 3, false),
            ([-ONE, 0, 0, ONE], 0, true),
            ([ONE, 0, 0, -ONE], 2, true),
        ];
        for (matrix, quarters, mirrored) in cases {
            assert_eq!(Turn::of(matrix), Turn { quarters, mirrored }, "{matrix:?}");
        }
    }
}
