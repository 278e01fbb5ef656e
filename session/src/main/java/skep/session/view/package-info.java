/**
 * What a person sees: text and JSON renderings of results.
 */
@NullMarked
package skep.session.view;

import org.jspecify.annotations.NullMarked;
