/**
 * Decides offline whether a request to an API may proceed, by a signed licence.
 *
 * <p>Make one {@link io.licentia.Gate} and share it between all threads. A refusal is a {@link io.licentia.Decision},
 * not an exception; a {@link io.licentia.LicentiaException} means misuse or a broken environment.
 */
@NullMarked
package io.licentia;

import org.jspecify.annotations.NullMarked;
