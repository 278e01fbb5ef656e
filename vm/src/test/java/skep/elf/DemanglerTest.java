package skep.elf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DemanglerTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "_Z1fv | f()",
                "_ZN3foo3barEPFivE | foo::bar(int (*)())",
                "_ZN3foo3barEPFPKcvE | foo::bar(char const* (*)())",
                "_ZNSt6vectorIiSaIiEE9push_backERKi | std::vector<int, std::allocator<int> >::push_back(int const&)",
                "_ZNKSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE4sizeEv | std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::size() const",
                "_Z3mapIiJfdEEvT_DpT0_ | void map<int, float, double>(int, float, double)",
                "_ZNSt8ios_base4InitC1Ev | std::ios_base::Init::Init()",
                "_ZN3FooIiED2Ev | Foo<int>::~Foo()",
                "_ZTV3Foo | vtable for Foo",
                "_ZlsRSoRK3Foo | operator<<(std::ostream&, Foo const&)",
                "_ZN12_GLOBAL__N_13fooEv | (anonymous namespace)::foo()",
                "_ZZ4mainENKUliE_clEi | main::{lambda(int)#1}::operator()(int) const",
                "_Z1fRA10_i | f(int (&) [10])",
                "_ZNK3FoocvbEv | Foo::operator bool() const",
                "_Z1fIXadL_Z1gvEEEvv |",
                "_Z3addILi3EEiv | int add<3>()",
                "_ZN1A1fEv.part.0.cold | A::f() [clone .part.0] [clone .cold]",
                "_ZThn8_N1A1fEv | non-virtual thunk to A::f()",
                "_ZN4core3fmt5write17h0123456789abcdefE | core::fmt::write",
                "_ZN49_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$Drop$GT$4drop17h0123456789abcdefE | <alloc::vec::Vec<T> as Drop>::drop",
                "main |",
                "_Z |",
                "_Z999999999f |",
                "_ZN |"
            })
    void namesAreReadAsProgrammersWroteThem(String mangled, String readable) {
        assertEquals(Optional.ofNullable(readable), Demangler.demangle(mangled));
    }

    @Test
    void deepAndLongNamesAreGivenUp() {
        assertEquals(Optional.empty(), Demangler.demangle("_Z1f" + "P".repeat(3000) + "i"));
        assertEquals(Optional.empty(), Demangler.demangle("_Z" + "N".repeat(5000)));
    }
}
