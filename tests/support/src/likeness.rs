//! How like two pictures are, by their brightness.

/// Peak signal to noise ratio in dB.
pub fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let squares: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / (squares as f64).max(1e-9)).log10()
}

/// Structural similarity over blocks of 8 by 8 (Wang et al. 2004, without the Gaussian window).
pub fn ssim(a: &[u8], b: &[u8], width: usize) -> f64 {
    let (mut sum, mut blocks) = (0.0, 0.0);
    for top in (0..a.len() / width - 7).step_by(8) {
        for left in (0..width - 7).step_by(8) {
            let (mut sa, mut sb, mut saa, mut sbb, mut sab) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for line in top..top + 8 {
                let row = line * width + left;
                for (&a, &b) in a[row..row + 8].iter().zip(&b[row..row + 8]) {
                    let (a, b) = (f64::from(a), f64::from(b));
                    (sa, sb) = (sa + a, sb + b);
                    (saa, sbb, sab) = (saa + a * a, sbb + b * b, sab + a * b);
                }
            }
            let (ma, mb) = (sa / 64.0, sb / 64.0);
            let (va, vb, cov) = (saa / 64.0 - ma * ma, sbb / 64.0 - mb * mb, sab / 64.0 - ma * mb);
            let (c1, c2) = (6.5025, 58.5225);
            sum += (2.0 * ma * mb + c1) * (2.0 * cov + c2)
                / ((ma * ma + mb * mb + c1) * (va + vb + c2));
            blocks += 1.0;
        }
    }
    sum / blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_like_itself_and_less_so_the_more_it_is_off() {
        let picture: Vec<u8> = (0..64 * 64).map(|n| (n * 7 % 251) as u8).collect();
        let off = |by: u8| picture.iter().map(|&y| y.saturating_add(by)).collect::<Vec<u8>>();
        assert!((ssim(&picture, &picture, 64) - 1.0).abs() < 1e-9);
        assert!(psnr(&picture, &picture) > 100.0);
        assert!((psnr(&[10; 64], &[15; 64]) - 34.15).abs() < 0.01, "20 log10(255 / 5)");
        assert!(psnr(&picture, &off(3)) > psnr(&picture, &off(9)));
        assert!(ssim(&picture, &off(3), 64) > ssim(&picture, &off(90), 64));
    }
}
