/**
 * Names, types and rules: from the syntax tree to a typed tree without errors.
 */
@NullMarked
package skep.dsl.check;

import org.jspecify.annotations.NullMarked;
