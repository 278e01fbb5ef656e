package skep.truffle.interop;

import java.util.List;
import java.util.Optional;
import skep.session.ScriptEvent;
import skep.session.view.Value;
import skep.session.view.View;

/** Something that a script said: {@code kind}, {@code text}, {@code value}; the members of a printed record are its own too. */
final class EventObject extends GuestObject {
    private static final Members<EventObject> MEMBERS = new Members<EventObject>()
            .property("kind", event -> event.event.kind())
            .property("text", event -> event.event.text())
            .property("value", EventObject::value)
            .method("handle", 0, 0, (event, _) -> event.handle());

    private final ScriptEvent event;

    EventObject(ScriptEvent event) {
        this.event = event;
    }

    private Object value() {
        return switch (event.view()) {
            case View.Printed printed -> Guest.of(printed.value());
            case View.MapView map -> new MapObject(map);
            default -> Nothing.NOTHING;
        };
    }

    private Object handle() {
        return switch (event.view()) {
            case View.Printed printed -> Handover.give(printed.value());
            case View.MapView map -> Handover.give(map);
            default -> Handover.give(new Value.Text(event.text()));
        };
    }

    private Optional<Value.Rec> record() {
        return event.view() instanceof View.Printed(Value.Rec record) ? Optional.of(record) : Optional.empty();
    }

    @Override
    Members<?> table() {
        return MEMBERS;
    }

    @Override
    String kind() {
        return "Event";
    }

    @Override
    String text() {
        return event.text().stripTrailing();
    }

    @Override
    List<String> ownNames() {
        return record().stream()
                .flatMap(record -> record.members().stream())
                .map(Value.Member::name)
                .filter(name -> !MEMBERS.has(name))
                .toList();
    }

    @Override
    Optional<Object> own(String name) {
        return record().stream()
                .flatMap(record -> record.members().stream())
                .filter(member -> member.name().equals(name))
                .findFirst()
                .map(member -> Guest.of(member.value()));
    }
}
