/**
 * Pictures as bytes, and the published ways from them to what networks take; plain Java, no files.
 *
 * <pre>
 *   {@link io.github.tpdiff.runtime.picture.RgbPicture}          bytes [H, W, 3]
 *   {@link io.github.tpdiff.runtime.picture.PictureSizeRule}     the size of a video for a picture, by area
 *   {@link io.github.tpdiff.runtime.picture.PictureGeometry}     picture → frame for a VAE, [1, 3, H, W] in [-1, 1]
 *   {@link io.github.tpdiff.runtime.picture.TorchResize}         picture → floats of another size, as torch interpolates
 *   {@link io.github.tpdiff.runtime.picture.ClipImageProcessor}  picture → normalised values for a CLIP vision encoder
 * </pre>
 */
@NullMarked
package io.github.tpdiff.runtime.picture;

import org.jspecify.annotations.NullMarked;
