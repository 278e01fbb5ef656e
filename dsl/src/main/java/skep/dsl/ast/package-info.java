/**
 * What the user wrote: immutable records with spans, nothing inferred.
 *
 * <p>{@link skep.dsl.ast.Script} is the root; {@link skep.dsl.ast.Expr}, {@link skep.dsl.ast.Stmt} and
 * {@link skep.dsl.ast.TypeRef} are the sealed families below it. {@link skep.dsl.ast.AstPrinter} shows a tree.
 */
@NullMarked
package skep.dsl.ast;

import org.jspecify.annotations.NullMarked;
