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
                "_RINvNtCs6GmmlP4bgsG_1r5inner7genericINtNtCslNYArtu3iFV_5alloc3vec3VecINtNtCsgEmfK2I1SDS_4core6option6OptionReEENCNvB4_4mains_0EB4_ | r::inner::generic::<alloc::vec::Vec<core::option::Option<&str>>, r::main::{closure#1}>",
                "_RNvMs_NtCs6GmmlP4bgsG_1r5innerINtB4_4DeepThReEKj7_E5plainB6_ | <r::inner::Deep<(u8, &str), 7>>::plain",
                "_RNvXNtCs6GmmlP4bgsG_1r5innerINtB2_4DeepThReEKj7_ENtB2_4Walk4walkB4_ | <r::inner::Deep<(u8, &str), 7> as r::inner::Walk>::walk",
                "_RINvNtCsgEmfK2I1SDS_4core3ptr13drop_in_placeINtNtCslNYArtu3iFV_5alloc5boxed3BoxDG0_INtNtNtB4_3ops8function2FnTRL1_INtNtCsjrHSEGnQ3l9_3std5panic13PanicHookInfoL0_EEEp6OutputuNtNtB4_6marker4SyncNtB2N_4SendEL_EEB1T_ | core::ptr::drop_in_place::<alloc::boxed::Box<dyn for<'a, 'b> core::ops::function::Fn<(&'a std::panic::PanicHookInfo<'b>,), Output = ()> + core::marker::Sync + core::marker::Send>>",
                "_RNvMs3_NtCslNYArtu3iFV_5alloc7raw_vecINtB5_6RawVecPaE8grow_oneCsjrHSEGnQ3l9_3std | <alloc::raw_vec::RawVec<*const i8>>::grow_one",
                "_RNvMs3_NtCslNYArtu3iFV_5alloc7raw_vecINtB5_6RawVecTOhFUKCBN_EuENtNtCsjrHSEGnQ3l9_3std5alloc6SystemE8grow_oneB13_ | <alloc::raw_vec::RawVec<(*mut u8, unsafe extern \"C\" fn(*mut u8)), std::alloc::System>>::grow_one",
                "_RNSNvYNCINvMs0_NtNtCsjrHSEGnQ3l9_3std4sync4onceNtBd_4Once15call_once_forceNCINvMNtBf_9once_lockINtB1g_8OnceLockINtNtBf_14reentrant_lock13ReentrantLockINtNtCsgEmfK2I1SDS_4core4cell7RefCellINtNtNtNtBh_2io8buffered10linewriter10LineWriterNtNtB36_5stdio9StdoutRawEEEE10initializeNCINvB1f_11get_or_initNCNvB3N_6stdout0E0zE0E0INtNtNtB2t_3ops8function6FnOnceTRNtBd_9OnceStateEE9call_once6vtableBh_ | <<std::sync::once::Once>::call_once_force<<std::sync::once_lock::OnceLock<std::sync::reentrant_lock::ReentrantLock<core::cell::RefCell<std::io::buffered::linewriter::LineWriter<std::io::stdio::StdoutRaw>>>>>::initialize<<std::sync::once_lock::OnceLock<std::sync::reentrant_lock::ReentrantLock<core::cell::RefCell<std::io::buffered::linewriter::LineWriter<std::io::stdio::StdoutRaw>>>>>::get_or_init<std::io::stdio::stdout::{closure#0}>::{closure#0}, !>::{closure#0}>::{closure#0} as core::ops::function::FnOnce<(&std::sync::once::OnceState,)>>::call_once::{shim:vtable#0}",
                "_RNvC1a | ",
                "_RNvC1a1b.llvm.123 | a::b",
                "_RNvC1au8gdel_5qa | a::gödel",
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
