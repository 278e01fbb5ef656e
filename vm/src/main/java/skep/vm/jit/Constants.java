package skep.vm.jit;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DynamicConstantDesc;
import java.util.ArrayList;
import java.util.List;

/** Objects that one generated class refers to; its class data. HotSpot treats them as constants. */
final class Constants {
    private final List<Object> objects = new ArrayList<>();

    /** Pushes the object. */
    void load(CodeBuilder code, Object object, ClassDesc type) {
        int index = indexOf(object);
        code.loadConstant(
                DynamicConstantDesc.ofNamed(ConstantDescs.BSM_CLASS_DATA_AT, ConstantDescs.DEFAULT_NAME, type, index));
    }

    private int indexOf(Object object) {
        for (int i = 0; i < objects.size(); i++) {
            if (objects.get(i) == object) {
                return i;
            }
        }
        objects.add(object);
        return objects.size() - 1;
    }

    List<Object> objects() {
        return objects;
    }
}
