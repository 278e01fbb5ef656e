package skep.ir;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import skep.source.Span;

/** How a block ends. */
public sealed interface Terminator {
    Span span();

    /** Where it may go, in order. */
    List<Edge> targets();

    /** The values it reads: its own and those it hands to its targets. */
    List<Value> operands();

    /** The same with every operand replaced. */
    Terminator map(UnaryOperator<Value> replacement);

    /** The same with every edge replaced. */
    Terminator mapEdges(UnaryOperator<Edge> replacement);

    /** A way into a block, with a value for each of its parameters. */
    record Edge(int block, List<Value> args) {
        public Edge {
            args = List.copyOf(args);
        }

        public static Edge to(int block) {
            return new Edge(block, List.of());
        }

        Edge map(UnaryOperator<Value> r) {
            return args.isEmpty() ? this : new Edge(block, args.stream().map(r).toList());
        }

        @Override
        public String toString() {
            if (args.isEmpty()) {
                return "b" + block;
            }
            var list = args.toString();
            return "b" + block + "(" + list.substring(1, list.length() - 1) + ")";
        }
    }

    record Jump(Span span, Edge target) implements Terminator {
        @Override
        public List<Edge> targets() {
            return List.of(target);
        }

        @Override
        public List<Value> operands() {
            return target.args();
        }

        @Override
        public Terminator map(UnaryOperator<Value> r) {
            return new Jump(span, target.map(r));
        }

        @Override
        public Terminator mapEdges(UnaryOperator<Edge> r) {
            return new Jump(span, r.apply(target));
        }
    }

    /** Goes to {@code then} if the condition (an {@code i1}) holds. */
    record Branch(Span span, Value condition, Edge then, Edge otherwise) implements Terminator {
        @Override
        public List<Edge> targets() {
            return List.of(then, otherwise);
        }

        @Override
        public List<Value> operands() {
            var list = new ArrayList<Value>();
            list.add(condition);
            list.addAll(then.args());
            list.addAll(otherwise.args());
            return list;
        }

        @Override
        public Terminator map(UnaryOperator<Value> r) {
            return new Branch(span, r.apply(condition), then.map(r), otherwise.map(r));
        }

        @Override
        public Terminator mapEdges(UnaryOperator<Edge> r) {
            return new Branch(span, condition, r.apply(then), r.apply(otherwise));
        }
    }

    /** Goes to the case whose number the value equals (as a number of its width, zero-extended). */
    record Switch(Span span, Value value, List<Case> cases, Edge otherwise) implements Terminator {
        public Switch {
            cases = List.copyOf(cases);
        }

        /** One case. */
        public record Case(long number, Edge target) {}

        @Override
        public List<Edge> targets() {
            var list = new ArrayList<Edge>();
            cases.forEach(c -> list.add(c.target));
            list.add(otherwise);
            return list;
        }

        @Override
        public List<Value> operands() {
            var list = new ArrayList<Value>();
            list.add(value);
            targets().forEach(t -> list.addAll(t.args()));
            return list;
        }

        @Override
        public Terminator map(UnaryOperator<Value> r) {
            return new Switch(
                    span,
                    r.apply(value),
                    cases.stream().map(c -> new Case(c.number, c.target.map(r))).toList(),
                    otherwise.map(r));
        }

        @Override
        public Terminator mapEdges(UnaryOperator<Edge> r) {
            return new Switch(
                    span,
                    value,
                    cases.stream()
                            .map(c -> new Case(c.number, r.apply(c.target)))
                            .toList(),
                    r.apply(otherwise));
        }
    }

    record Return(Span span, Value value) implements Terminator {
        @Override
        public List<Edge> targets() {
            return List.of();
        }

        @Override
        public List<Value> operands() {
            return List.of(value);
        }

        @Override
        public Terminator map(UnaryOperator<Value> r) {
            return new Return(span, r.apply(value));
        }

        @Override
        public Terminator mapEdges(UnaryOperator<Edge> r) {
            return this;
        }
    }
}
