/**
 * Ported tools and the harness that runs them.
 *
 * <p>A tool is a folder beside this module's sources: {@code NAME/NAME.bt}, {@code expected.txt} and a README that tells how
 * it compares with the original. {@link skep.tools.ToolFolder} reads one, {@link skep.tools.ToolFolder#run} runs it on the
 * target it names, in process, and {@link skep.tools.Expectation} compares what it printed with the shape it should have.
 * Tools that the model's ground truth can judge have a test of their own beside the general one.
 *
 * <p>Start reading at {@link skep.tools.ToolFolder}.
 */
@NullMarked
package skep.tools;

import org.jspecify.annotations.NullMarked;
