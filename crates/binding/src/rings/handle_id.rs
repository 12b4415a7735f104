//! A handle's identity, and the number that JavaScript knows it by.

use super::records::GENERATION_UNIT;

/// An index and the generation it was given with. Crosses to JavaScript as one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandleId {
    pub index: u32,
    pub generation: i32,
}

impl HandleId {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, and a wrong id finds nothing"
    )]
    pub fn from_number(number: f64) -> Self {
        let unit = f64::from(GENERATION_UNIT);
        let generation = (number / unit).floor();
        Self {
            index: (number - generation * unit) as u32,
            generation: generation as i32,
        }
    }

    pub fn to_number(self) -> f64 {
        f64::from(self.index) + f64::from(self.generation) * f64::from(GENERATION_UNIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_number() {
        for id in [
            HandleId {
                index: 0,
                generation: 1,
            },
            HandleId {
                index: 16_777_215,
                generation: (1 << 29) - 1,
            },
        ] {
            assert_eq!(HandleId::from_number(id.to_number()), id);
        }
    }
}
