//! Colours: which tags a picture gets, and the filters that make them ordinary ones. Numbers are those of H.273.

/// The colour tags of a picture; 2 is unspecified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    pub primaries: i32,
    pub transfer: i32,
    pub matrix: i32,
}

/// High definition's.
pub const BT709: Colour = Colour { primaries: 1, transfer: 1, matrix: 1 };
/// Standard definition's.
const BT601: Colour = Colour { primaries: 6, transfer: 6, matrix: 6 };
const UNSPECIFIED: [i32; 2] = [0, 2];
const PQ: i32 = 16;
const HLG: i32 = 18;
const BT2020: i32 = 9;
/// What can be converted from.
const PRIMARIES: [i32; 5] = [1, 5, 6, 9, 12];
const MATRICES: [i32; 4] = [1, 5, 6, 9];
/// Nits that are called 1 before the curve. With the 203 of BT.2408's diffuse white the curve makes that a mid-grey; with
/// 100, as in most recipes, films look about as they do elsewhere.
const ONE_NITS: u32 = 100;

/// What a source's picture of this size needs, and is called afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Treatment {
    /// Behind the scaling; begins with a comma unless it is empty.
    pub filters: String,
    pub becomes: Colour,
}

impl Colour {
    /// Nothing is said.
    pub const UNTOLD: Self = Self { primaries: 2, transfer: 2, matrix: 2 };

    /// Whether its brightness goes beyond the ordinary: PQ or HLG.
    pub fn is_bright(self) -> bool {
        self.transfer == PQ || self.transfer == HLG
    }

    /// Whether its colours are wider than BT.709's: BT.2020's.
    pub fn is_wide(self) -> bool {
        self.matrix == BT2020 || self.primaries == BT2020
    }

    /// PQ, HLG and wide colours become BT.709's; others stay. What isn't told is called what goes with the rest, or else
    /// what players assume for this size, so that a smaller rendition isn't taken for something else.
    pub fn treatment(self, size: (u32, u32)) -> Treatment {
        let usual = self.usual(size);
        let or = |own: i32, usual: i32| if UNSPECIFIED.contains(&own) { usual } else { own };
        if self.is_bright() {
            let transfer = if self.transfer == PQ { "smpte2084" } else { "arib-std-b67" };
            let filters = format!(
                ",zscale=tin={transfer}:{}t=linear:npl={ONE_NITS}:p=bt709,format=gbrpf32le,\
                 tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv",
                self.wide_input(),
            );
            return Treatment { filters, becomes: BT709 };
        }
        if self.is_wide() {
            let filters = format!(",zscale=tin=bt709:{}t=bt709:p=bt709:m=bt709:r=tv", self.wide_input());
            return Treatment { filters, becomes: BT709 };
        }
        let becomes = Colour {
            primaries: or(self.primaries, usual.primaries),
            transfer: or(self.transfer, usual.transfer),
            matrix: or(self.matrix, usual.matrix),
        };
        Treatment { filters: String::new(), becomes }
    }

    /// The filters that make an ordinary picture's colours those of another; begins with a comma unless it is empty. Curves
    /// are taken for alike, as players do, whatever they are called.
    pub fn conversion(self, other: Self) -> String {
        let can = |colour: Self| PRIMARIES.contains(&colour.primaries) && MATRICES.contains(&colour.matrix);
        if self == other || !can(self) || !can(other) {
            return String::new();
        }
        format!(
            ",zscale=pin={}:tin=bt709:min={}:p={}:t=bt709:m={}:rin=tv:r=tv,format=yuv420p",
            self.primaries, self.matrix, other.primaries, other.matrix
        )
    }

    /// What a picture of this size is most likely coloured as, by what is told.
    fn usual(self, (width, height): (u32, u32)) -> Colour {
        let told = if UNSPECIFIED.contains(&self.matrix) { self.primaries } else { self.matrix };
        match told {
            1 => BT709,
            // The two of standard definition, which differ in their primaries only.
            5 => Colour { primaries: 5, ..BT601 },
            6 => BT601,
            _ if width > 1024 || height > 576 => BT709,
            _ => BT601,
        }
    }

    /// Input options in place of what the source doesn't tell, or tells as nothing that can be converted: without them
    /// there is no way from one to the other, and filters fail.
    fn wide_input(self) -> String {
        let primaries = if PRIMARIES.contains(&self.primaries) { "" } else { "pin=bt2020:" };
        let matrix = if MATRICES.contains(&self.matrix) { "" } else { "min=bt2020nc:" };
        format!("{primaries}{matrix}")
    }
}

#[cfg(test)]
mod tests {
    use super::{BT601, BT709, Colour};

    fn colour(primaries: i32, transfer: i32, matrix: i32) -> Colour {
        Colour { primaries, transfer, matrix }
    }

    #[test]
    fn untagged_pictures_are_called_what_players_take_them_for() {
        let small = colour(2, 2, 2).treatment((720, 576));
        assert_eq!((small.filters.as_str(), small.becomes), ("", BT601));
        assert_eq!(colour(2, 2, 2).treatment((1280, 720)).becomes, BT709);
        assert_eq!(colour(5, 2, 2).treatment((720, 576)).becomes, colour(5, 6, 6));
        assert_eq!(colour(2, 2, 1).treatment((640, 360)).becomes, BT709);
        assert_eq!(colour(1, 2, 2).treatment((640, 360)).becomes, BT709);
        assert_eq!(colour(2, 2, 6).treatment((1280, 720)).becomes, BT601);
        assert_eq!(colour(2, 2, 5).treatment((1280, 720)).becomes, colour(5, 6, 5));
        assert_eq!(colour(1, 1, 1).treatment((320, 240)).becomes, BT709);
    }

    #[test]
    fn what_changes_its_colours_becomes_the_first() {
        assert_eq!(BT709.conversion(BT709), "");
        assert_eq!(BT601.conversion(BT709), ",zscale=pin=6:tin=bt709:min=6:p=1:t=bt709:m=1:rin=tv:r=tv,format=yuv420p");
    }

    #[test]
    fn bright_and_wide_ones_become_ordinary() {
        let told = colour(9, 16, 9).treatment((3840, 2160));
        assert!(told.filters.starts_with(",zscale=tin=smpte2084:t=linear"), "{}", told.filters);
        let untold = colour(2, 18, 2).treatment((1280, 720));
        assert!(untold.filters.starts_with(",zscale=tin=arib-std-b67:pin=bt2020:min=bt2020nc:t=linear"));
        assert_eq!((told.becomes, untold.becomes), (BT709, BT709));
        let wide = colour(9, 14, 9).treatment((1920, 1080));
        assert_eq!(wide.filters, ",zscale=tin=bt709:t=bt709:p=bt709:m=bt709:r=tv");
    }
}
