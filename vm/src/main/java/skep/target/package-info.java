/**
 * The seam "where": {@link skep.target.Target} loads objects and attaches probes; implemented by the embedded kernel,
 * the live kernel and recordings. Found by ServiceLoader through {@link skep.target.TargetProvider}.
 */
@NullMarked
package skep.target;

import org.jspecify.annotations.NullMarked;
