//! The CRC-32 of FINGERPRINT (RFC 8489, section 14.7).

const XOR: u32 = 0x5354_554e;

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

/// The fingerprint of a message so far.
pub fn fingerprint(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc = (crc >> 8) ^ TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)];
    }
    !crc ^ XOR
}
